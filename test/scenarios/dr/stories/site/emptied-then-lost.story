A site burns while it is being emptied, one plan after the other. What has arrived stays; the switch is cancelled, and the rest is failed over.

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

at 4m: migrate site a 1 at once
after plan p1 is recovered: fault site-loss site-a for 20m
30s after plan p1 is recovered: cancel the switch of site a
5m after plan p1 is recovered: failover site a
run until quiet
expect web, db run at b; nothing was lost; lost exactly as reported
