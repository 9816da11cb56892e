# fault 6:8 an import begins with data, input, rego or future
# fault 7:8 the path of an import must be names such as data.acme.roles
# fault 8:18 a name is missing after 'as'
# fault 10:1 the path of an import must be names such as data.acme.roles
package p
import acme.roles
import "data.x"
import data.x as 7
import
