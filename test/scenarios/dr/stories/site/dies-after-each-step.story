The control plane dies after each step of the switch of a site, before anybody has heard that it was done.

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

at 4m: fault site-loss site-a for 10m
at 5m: failover site a 1 at once
after step listPlans of site-switch: kill the control plane for 20s
after step switchPlans of site-switch: kill the control plane for 20s
after step report of site-switch: kill the control plane for 20s
run until quiet
expect web, db run at b; nothing was lost; lost exactly as reported
expect report of site a: failover success; report of its plans: p1, p2 success
