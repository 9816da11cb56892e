# fault 4:1 this '}' closes nothing
package p
allow := true
}
