Worked example I8, first line: A and B hold the same, B copies to C. A is lost: B takes over by itself, and loses nothing. A returns: B brings it up to date.

cluster c1 at site a: 2 hosts of 16 cores and 64 GiB
cluster c2 at site b: 2 hosts of 16 cores and 64 GiB
cluster c3 at site c: 2 hosts of 16 cores and 64 GiB
link a-b: sync, 2 ms, 1000 Mbit/s
link b-c: async, 20 ms, 1000 Mbit/s
link a-c: async, 20 ms, 1000 Mbit/s
vm web x2 on h1, h2: 2 vCPU, 4 GiB
group shop of web: sync to b, rpo 5m, cascade with c
plan p1 of shop: tested, automatic
guests write every 5s

at 31s: fault site-loss site-a for 10m
run until quiet
expect web run at b; nothing was lost; lost as reported; group shop is protected; plan p1 is ready
