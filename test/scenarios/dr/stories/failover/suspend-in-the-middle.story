While a failover is under way nobody suspends its groups, and nobody resumes them.

cluster c1 at site a: 2 hosts of 16 cores and 64 GiB
cluster c2 at site b: 2 hosts of 16 cores and 64 GiB
link a-b: async, 12 ms, 1000 Mbit/s
vm web x2 on h1, h2: 2 vCPU, 4 GiB
group shop of web: async to b, rpo 5m
plan p1 of shop: tested
guests write every 5s

at 31s: fault site-loss site-a
at 60s: failover plan p1
before step promote of plan-failover: suspend group shop
before step startWave of plan-failover: resume group shop
run until quiet
expect web run at b; lost as reported; refused "suspend group shop" with operation-in-progress; refused "resume group shop" with operation-in-progress; report of p1: failover success
