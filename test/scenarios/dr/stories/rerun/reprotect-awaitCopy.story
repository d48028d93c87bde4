The old site is lost while a reprotection waits for its copy. It waits on, and ends when the site is back; a second one has nothing to do.

cluster c1 at site a: 2 hosts of 16 cores and 64 GiB
cluster c2 at site b: 2 hosts of 16 cores and 64 GiB
link a-b: async, 12 ms, 1000 Mbit/s
vm web x2 on h1, h2: 2 vCPU, 4 GiB
group shop of web: async to b, rpo 5m
plan p1 of shop: tested
guests write every 60s

at 61s: migrate plan p1
at 10m: reprotect plan p1
before step awaitCopy of plan-reprotect: fault site-loss site-a for 25m
at 50m: reprotect plan p1
run until quiet
expect web run at b; nothing was lost; plan p1 is ready; group shop is protected; refused "reprotect plan p1" with illegal-transition; report of p1: reprotect success
