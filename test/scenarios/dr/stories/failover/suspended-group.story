Replication was suspended when the site burned: the VMs start from what the other site has, and all that was written since is lost and reported.

cluster c1 at site a: 2 hosts of 16 cores and 64 GiB
cluster c2 at site b: 2 hosts of 16 cores and 64 GiB
link a-b: async, 12 ms, 1000 Mbit/s
vm web x2 on h1, h2: 2 vCPU, 4 GiB
group shop of web: async to b, rpo 5m
plan p1 of shop: tested
guests write every 5s

at 60s: suspend group shop
at 4m: fault site-loss site-a for 10m
at 5m: failover plan p1
run until quiet
expect web run at b; something was lost; lost exactly as reported; report of p1: failover success
