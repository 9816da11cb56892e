# fault 2:1 a module must begin with its package
allow := true
