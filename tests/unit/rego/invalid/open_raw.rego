# fault 3:9 this string is never closed
package p
name := `tom
	and jerry
