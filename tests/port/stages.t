#!/bin/bash
# SPDX-License-Identifier: MIT
# The table on top of port.h, against the objects: what each stage leaves undefined is
# exactly what the table says must be written, and what has a weak definition in the
# archive exactly what may be.
cd "$(dirname "$0")/../.." || exit 1

# stage, must or may, name; a name's column in the table tells which of both
table=$(expand include/quarry/port.h | awk '
	/stage +must write +may write/ { may = index($0, "may write"); next }
	may && !/[a-z]/ { exit }
	may && match($0, /^ \* +[0-9] /) { stage = substr($0, RLENGTH - 1, 1) }
	may {
		rest = $0; at = 0
		while (match(rest, /((port|arch)_[a-z_]+|swapper_pg_dir)/)) {
			name = substr(rest, RSTART, RLENGTH)
			print stage, (at + RSTART >= may ? "may" : "must"), name
			at += RSTART + RLENGTH - 1
			rest = substr(rest, RSTART + RLENGTH)
		}
	}')
hooks() { awk -v last="$1" -v kind="$2" '$1 <= last && $2 == kind { print $3 }' <<<"$table" | sort; }
of_object() { nm "build/hosted64/stage$1.o" | awk -v t="$2" '$(NF - 1) == t { print $NF }' |
	grep -xE '(port|arch)_[a-z_]+|swapper_pg_dir' | sort; }
declared() { grep -oE '\b(port|arch)_[a-z_]+\([^)]' include/quarry/port.h | sed 's/(.*//' | sort -u; }

number=0
same() { # WHAT, two lists
	number=$((number + 1))
	if [ -n "$2" ] && [ "$2" = "$3" ]; then
		echo "ok $number - $1"
	else
		echo "not ok $number - $1"
		diff <(echo "$2") <(echo "$3") | sed 's/^/# /'
	fi
}

for stage in 1 2 5; do
	same "stage $stage: what must be written" "$(hooks $stage must)" "$(of_object $stage U)"
done
same "stages 3 and 4 demand nothing that 2 does not" "$(hooks 2 must)" "$(hooks 4 must)"
same "what may be written has a definition in the archive" "$(hooks 5 may)" "$(of_object 5 W)"
same "the table has each function that port.h declares" \
	"$( (hooks 5 must; hooks 5 may) | grep -v swapper | sort)" "$(declared)"
echo "1..$number"
