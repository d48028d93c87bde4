The link of a synchronous pair is cut; the guests go on alone, as the policy says, and then their site burns. What was written alone is lost, and the report does not claim otherwise.

cluster c1 at site a: 2 hosts of 16 cores and 64 GiB
cluster c2 at site b: 2 hosts of 16 cores and 64 GiB
link a-b: sync, 2 ms, 1000 Mbit/s
vm web x2 on h1, h2: 2 vCPU, 4 GiB
group shop of web: sync to b
plan p1 of shop: tested
guests write every 5s

at 30s: fault link-cut a-b
at 3m: fault site-loss site-a
at 4m: failover plan p1
run until quiet
expect web run at b; something was lost; lost as reported; report of p1: failover success
