#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# An include of a floor that is not below does not compile; an include of a floor below does.
. "$(dirname "$0")/lib.sh"
build=${CC_BUILD_DIR:?}
read -r flags <"$build/floors/cflags.txt"

# compiles FLOOR HEADER
compiles() {
	echo "#include \"$2\"" >"$scratch/try.c"
	extra=
	case " $1 $allowed " in *" model "*) extra="-I$build/generated" ;; esac
	# shellcheck disable=SC2086
	${CC_CC:-cc} $flags -I"$build/floors/$1" $extra -fsyntax-only "$scratch/try.c" 2>"$scratch/err"
}

some_header() {
	find "include/cc/$1" -name '*.h' 2>/dev/null | sort | sed -n '1s|^include/||p'
}

while IFS=: read -r floor allowed; do
	: >"$scratch/up"
	: >"$scratch/down"
	while IFS=: read -r other _; do
		header=$(some_header "$other")
		[ -n "$header" ] || continue
		case " $floor $allowed " in
		*" $other "*)
			compiles "$floor" "$header" ||
				{ echo "$floor cannot include $header:"; head -5 "$scratch/err"; } >>"$scratch/down" ;;
		*)
			compiles "$floor" "$header" && echo "$floor can include $header" >>"$scratch/up"
			grep -q 'No such file\|file not found' "$scratch/err" ||
				echo "$floor: $header fails for another reason" >>"$scratch/up" ;;
		esac
	done <"$build/floors/floors.txt"
	verdict "$floor cannot see the floors above or beside it" "$scratch/up"
	verdict "$floor sees the floors below it" "$scratch/down"
done <"$build/floors/floors.txt"

# shellcheck disable=SC2046
grep -nE '^[[:space:]]*#[[:space:]]*include[[:space:]]*"(\.\.|src/|include/|/)' $(sources include src) /dev/null >"$scratch/out"
verdict "no include leaves its folder by a path" "$scratch/out"
finish
