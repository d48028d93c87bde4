There is no room for the test copies. It is said before anything moves, and everything is as it was.

cluster c1 at site a: 2 hosts of 16 cores and 64 GiB
cluster c2 at site b: 1 host of 16 cores and 10 GiB
link a-b: async, 12 ms, 1000 Mbit/s
vm web x2 on h1, h2: 1 vCPU, 5 GiB
group shop of web: async to b, rpo 5m
plan p1 of shop

at 10s: test plan p1
run until quiet
expect refused "test plan p1" with no-capacity; as before; all VMs untouched; plan p1 is ready
