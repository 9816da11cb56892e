# fault 5:9 the rule allow has a default already
package p

default allow := false
default allow := true
