The newest point holds what an intruder has done. The operator takes an earlier one that is kept: more is lost, exactly as reported.

cluster c1 at site a: 2 hosts of 16 cores and 64 GiB
cluster c2 at site b: 2 hosts of 16 cores and 64 GiB
link a-b: async, 12 ms, 1000 Mbit/s
vm web x2 on h1, h2: 2 vCPU, 4 GiB
group shop of web: async to b, rpo 5m
plan p1 of shop: tested
guests write every 5s

at 12m: fault site-loss site-a for 5m
at 13m: failover plan p1 as of 7m
run until quiet
expect web run at b; something was lost; lost exactly as reported; report of p1: failover success
