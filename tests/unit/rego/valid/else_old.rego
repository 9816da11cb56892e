package p

old(x) = 1 { x == 1 } # one
else =
# in between
2
{
	x == 2
} else = 3 { true }
