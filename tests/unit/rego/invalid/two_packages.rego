# fault 5:1 a module has one package; the first is on line 3

package a

package b
