A site burns whose VMs are replicated every few minutes. They start from the last complete point: what was written after it is lost, and nothing before. When the old site is back the loss is told exactly.

cluster c1 at site a: 2 hosts of 16 cores and 64 GiB
cluster c2 at site b: 2 hosts of 16 cores and 64 GiB
link a-b: async, 12 ms, 1000 Mbit/s
vm web x2 on h1, h2: 2 vCPU, 4 GiB
group shop of web: async to b, rpo 5m
plan p1 of shop: tested
guests write every 5s

at 4m: fault site-loss site-a for 10m
at 5m: failover plan p1
run until quiet
expect web run at b; something was lost; lost exactly as reported; divergence of shop: some; alarm divergent-writes on shop
expect report of p1: failover success; report of p1: rpo within 5m; plan p1 is recovered; group shop is invalid
