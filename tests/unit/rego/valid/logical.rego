package logical

import future.keywords.and
import future.keywords.or
import future.keywords.not

either if input.a or input.b

both if input.a and not input.b

p { input.a and (input.b or input.c) }

negated { not { input.a; input.b } }
