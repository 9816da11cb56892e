# fault 2:1 a module must begin with its package
import rego.v1
package p
allow := true
