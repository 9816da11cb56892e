#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# An include of a floor that is not below does not compile; an include of a floor below does.
. "$(dirname "$0")/lib.sh"
build=${CC_BUILD_DIR:?}
read -r flags <"$build/floors/cflags.txt"

# compiles FLOOR HEADER…
compiles() {
	floor_tried=$1
	shift
	printf '#include "%s"\n' "$@" >"$scratch/try.c"
	extra=
	case " $floor_tried $allowed " in *" model "*) extra="-I$build/generated" ;; esac
	# shellcheck disable=SC2086
	${CC_CC:-cc} $flags -I"$build/floors/$floor_tried" $extra -fsyntax-only "$scratch/try.c" 2>"$scratch/err"
}

headers() {
	find "include/cc/$1" -name '*.h' 2>/dev/null | sort | sed 's|^include/||'
}

while IFS=: read -r floor allowed; do
	: >"$scratch/up"
	: >"$scratch/down"
	while IFS=: read -r other _; do
		all=$(headers "$other")
		[ -n "$all" ] || continue
		case " $floor $allowed " in
		*" $other "*)
			# shellcheck disable=SC2086
			compiles "$floor" $all && continue
			for header in $all; do
				compiles "$floor" "$header" ||
					{ echo "$floor cannot include $header:"; head -5 "$scratch/err"; }
			done >>"$scratch/down" ;;
		*)
			header=${all%%
*}
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
