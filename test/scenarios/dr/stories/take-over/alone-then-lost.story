The link is cut, the guests at A go on without B, and then A burns. To take over would lose what they wrote: that is for a person to decide, who is told so.

cluster c1 at site a: 2 hosts of 16 cores and 64 GiB
cluster c2 at site b: 2 hosts of 16 cores and 64 GiB
link a-b: sync, 2 ms, 1000 Mbit/s
vm web x2 on h1, h2: 2 vCPU, 4 GiB
group shop of web: sync to b
plan p1 of shop: tested, automatic
guests write every 5s

at 31s: fault link-cut a-b
at 3m: fault site-loss site-a
at 10m: failover plan p1
run until quiet
expect web run at b; lost as reported; report of p1: failover success
