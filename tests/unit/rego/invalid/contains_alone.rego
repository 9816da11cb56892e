# fault 4:1 a value is missing after 'contains'
package p
a contains
