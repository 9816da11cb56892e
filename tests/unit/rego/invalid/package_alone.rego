# fault 3:1 the path of the package must be names such as acme.orders
package
