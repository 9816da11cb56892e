# fault 1:1 a module must begin with its package
