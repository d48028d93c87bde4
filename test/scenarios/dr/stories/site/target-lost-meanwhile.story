While all plans of a site are failed over the other site fails as well, for a while. When it is back the same word again does what is left.

cluster c1 at site a: 3 hosts of 16 cores and 64 GiB
cluster c2 at site b: 3 hosts of 16 cores and 64 GiB
link a-b: sync, 2 ms, 1000 Mbit/s
vm web x2 on h1, h2: 2 vCPU, 4 GiB
vm db on h3: 2 vCPU, 8 GiB
group shop of web: sync to b
group books of db: sync to b
plan p1 of shop: tested
plan p2 of books: tested
guests write every 5s

at 4m: fault site-loss site-a for 60m
at 5m: failover site a
after step promote of plan-failover: fault site-loss site-b for 6m
at 30m: failover site a without a test because "the rest"
run until quiet
expect web, db run at b; nothing was lost; lost exactly as reported
expect plan p1 is recovered; plan p2 is recovered
