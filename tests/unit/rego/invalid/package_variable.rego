# fault 2:9 the path of the package must be names such as acme.orders
package p[x]
