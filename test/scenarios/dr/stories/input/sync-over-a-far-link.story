Synchronous replication over a link that is too far is refused, with its latency.

cluster c1 at site a: 2 hosts of 16 cores and 64 GiB
cluster c2 at site b: 2 hosts of 16 cores and 64 GiB
link a-b: async, 40 ms, 1000 Mbit/s
vm web x2 on h1, h2: 2 vCPU, 4 GiB

at 10s: create group shop of web: sync to b
run until quiet
expect as before; web untouched; refused "create group shop of web: sync to b" because "40"
