# fault 5:1 the rule function has neither a value nor a body
# fault 6:9 an operator, a comma or a new line is missing before 'user'
# fault 6:21 a value is missing after '=='
package p
function allow(user) {
	return user.role === "admin";
}
