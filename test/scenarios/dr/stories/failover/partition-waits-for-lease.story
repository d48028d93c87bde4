The old site is cut off from everybody and works on. Its VMs are started elsewhere only when its lease is over; what it wrote alone until then is kept, and counted when it is heard again.

cluster c1 at site a: 2 hosts of 16 cores and 64 GiB
cluster c2 at site b: 2 hosts of 16 cores and 64 GiB
link a-b: async, 12 ms, 1000 Mbit/s
vm web x2 on h1, h2: 2 vCPU, 4 GiB
group shop of web: async to b, rpo 5m
plan p1 of shop: tested
guests write every 5s

at 30s: fault call-timeout site-a for 15m; fault link-cut a-b for 15m
at 40s: failover plan p1
run until quiet
expect web run at b; something was lost; lost exactly as reported; divergence of shop: some; plan p1 is recovered
