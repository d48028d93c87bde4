A host cut off from the management network alone goes on; then it loses its storage as well and dies of its watchdog.
What its guests wrote until then is kept.

cluster c1: 3 hosts of 16 cores and 64 GiB
vm web on h1

at 2s: write web block 1 "first"
at 10s: fault bmc-unreachable h1; fault management-partition h1
at 60s: write web block 1 "second"
at 80s: fault storage-partition h1
at 100s: write web block 1 "lost on the way"
run until quiet
expect web runs elsewhere with a newer epoch; web starts elsewhere after 199s; web block 1 reads "second"
