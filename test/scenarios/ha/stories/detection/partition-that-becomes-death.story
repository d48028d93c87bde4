A host that is suspect, its management network lost, dies two minutes later: that is found as fast as ever.

cluster c1: 3 hosts of 16 cores and 64 GiB
vm web x2 on h1

at 10s: fault management-partition h1
at 130s: fault host-power-loss h1
run until quiet
expect h1 suspect by 25s; h1 fenced by 150s; web run elsewhere with a newer epoch
expect web start elsewhere after 130s; web back within 60s
