In a star the standby link takes over: B is lost, and C is fed by A.

cluster c1 at site a: 2 hosts of 16 cores and 64 GiB
cluster c2 at site b: 2 hosts of 16 cores and 64 GiB
cluster c3 at site c: 2 hosts of 16 cores and 64 GiB
link a-b: sync, 2 ms, 1000 Mbit/s
link b-c: async, 20 ms, 1000 Mbit/s
link a-c: async, 20 ms, 1000 Mbit/s
vm web x2 on h1, h2: 2 vCPU, 4 GiB
group shop of web: sync to b, rpo 5m, star with c
plan p1 of shop: tested
guests write every 5s

at 31s: fault site-loss site-b for 30m
at 20m: fault site-loss site-a
at 21m: failover plan p1 to c
run until 25m
expect web run at c; lost as reported; report of p1: rpo within 10m
