#!/bin/bash
# 64 TiB on 64 nodes, with room for 1024 CPUs: mem_map comes up section by section, each in its own node.
build/hosted64/quarry --mem 64T --lowmem 64T --nodes 64 --room 1024 --cmd "numa; check; selftest A; selftest B1; selftest B2; selftest B3; selftest B4; selftest B5; selftest B6; selftest D1; check" \
	</dev/null | tr -d "\r" >build/hosted64/64T-nodes.log
status=${PIPESTATUS[0]}
failed=$(grep -c "^not ok" build/hosted64/64T-nodes.log)
test "$status" = 0 && test "$failed" = 0
[ $? = 0 ] && echo "ok 1 - rows A, B1 to B6, D1, and every invariant holds, before and after" || { echo "not ok 1 - status $status"; grep -A2 "^not ok" build/hosted64/64T-nodes.log | sed 's/^/# /'; }
grep -q "^available: 64 nodes (0-63)$" build/hosted64/64T-nodes.log && echo "ok 2 - 64 nodes" || echo "not ok 2 - 64 nodes"
grep -q "^node 63 cpus: 1008-1023$" build/hosted64/64T-nodes.log && echo "ok 3 - 1024 CPUs" || echo "not ok 3 - 1024 CPUs"
grep -q "^node 5 order: Normal of 5, Normal of 6, Normal of 4, Normal of 7," build/hosted64/64T-nodes.log && echo "ok 4 - by distance" || echo "not ok 4 - by distance"
echo "1..4"
