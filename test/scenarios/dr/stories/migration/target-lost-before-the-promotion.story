The target site is lost right after the source has given up its right to write. Nothing is lost: the migration is taken back, or goes on when the site is there.

cluster c1 at site a: 2 hosts of 16 cores and 64 GiB
cluster c2 at site b: 2 hosts of 16 cores and 64 GiB
link a-b: async, 12 ms, 1000 Mbit/s
vm web x2 on h1, h2: 2 vCPU, 4 GiB
group shop of web: async to b, rpo 5m
plan p1 of shop: tested
guests write every 5s

at 61s: migrate plan p1
after step demoteSource of plan-migrate: fault site-loss site-b for 10m
run until quiet
expect nothing was lost; lost exactly as reported
