Two plans share a group: while one tests it the other cannot move it, and after the clean-up it can.

cluster c1 at site a: 2 hosts of 16 cores and 64 GiB
cluster c2 at site b: 2 hosts of 16 cores and 64 GiB
link a-b: sync, 2 ms, 1000 Mbit/s
vm web x2 on h1, h2: 2 vCPU, 4 GiB
group shop of web: sync to b
plan p1 of shop: tested
plan p2 of shop: tested
guests write every 5s

at 10s: test plan p1
at 5m: migrate plan p2
at 6m: cleanup plan p1
at 10m: migrate plan p2
at 15m: migrate plan p1
run until quiet
expect web run at b; nothing was lost; refused "migrate plan p2" with in-use; plan p2 is recovered; refused "migrate plan p1" with in-use
