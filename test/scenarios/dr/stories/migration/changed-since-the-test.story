A change of the plan makes its test void.

cluster c1 at site a: 2 hosts of 16 cores and 64 GiB
cluster c2 at site b: 2 hosts of 16 cores and 64 GiB
link a-b: async, 12 ms, 1000 Mbit/s
vm web x2 on h1, h2: 2 vCPU, 4 GiB
group shop of web: async to b, rpo 5m
plan p1 of shop: tested
guests write every 5s

at 10s: change plan p1 of shop: priority 1 web-1
at 20s: migrate plan p1
run until quiet
expect refused "migrate plan p1" with not-tested; web untouched; plan p1 is ready
