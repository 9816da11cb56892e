# fault 3:7 this is not UTF-8
package p
a := "ÿ"
