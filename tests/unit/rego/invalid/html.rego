# fault 4:1 a module must begin with its package
# fault 4:1 a rule must begin with its name
# fault 5:1 a value is missing after '>'
<html>
