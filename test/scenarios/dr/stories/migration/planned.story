Planned work at a site: its VMs are moved to the other one while both are up. Nothing is lost, although replication is asynchronous.

cluster c1 at site a: 2 hosts of 16 cores and 64 GiB
cluster c2 at site b: 2 hosts of 16 cores and 64 GiB
link a-b: async, 12 ms, 1000 Mbit/s
vm db on h1: 2 vCPU, 4 GiB
vm web x2 on h1, h2: 2 vCPU, 4 GiB
group shop of db, web: async to b, rpo 5m
plan p1 of shop: priority 1 db, priority 2 web, tested
guests write every 5s

at 61s: migrate plan p1
run until quiet
expect all VMs run at b; nothing was lost; lost exactly as reported; db starts before web-1; web-1 boots after db serves
expect report of p1: migrate success; plan p1 is recovered; group shop is invalid; phases of p1 without a gap; no alarm
