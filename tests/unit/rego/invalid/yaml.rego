# fault 4:1 a module must begin with its package
# fault 4:1 the rule allow has neither a value nor a body
# fault 4:6 a rule must begin with its name
allow:
  - admin
