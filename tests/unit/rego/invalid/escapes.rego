# fault 4:11 this escape sequence is not known
# fault 5:9 \u takes four hexadecimal digits
package p
a := "tom \& \n"
b := "x \u12g4"
