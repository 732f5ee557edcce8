# Turn `nm -n` into the section .symbols: for each function its address and where
# its name begins, by address; then the names.
$2 ~ /^[tT]$/ && $3 !~ /^\./ && $3 != "_etext" {
	printf "\t.section .symbols, \"a\"\n\t.long 0x%s, %d\n", substr($1, length($1) - 7), offset
	printf "\t.section .symbols.names, \"a\"\n\t.asciz \"%s\"\n", $3
	offset += length($3) + 1
}
END { print "\t.section .note.GNU-stack, \"\", @progbits" }
