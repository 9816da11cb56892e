# fault 3:9 this template string is not closed
package p
name := $"tom {input.x}
other := 1
