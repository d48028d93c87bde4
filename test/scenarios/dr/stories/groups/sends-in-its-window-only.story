A group sends in the first hour of the day only, and the site burns in the second: what was written since is lost, and the report says how much.

cluster c1 at site a: 2 hosts of 16 cores and 64 GiB
cluster c2 at site b: 2 hosts of 16 cores and 64 GiB
link a-b: async, 12 ms, 1000 Mbit/s
vm web x2 on h1, h2: 2 vCPU, 4 GiB
group shop of web: async to b, rpo 2900m, sends from 0 to 1
plan p1 of shop: tested
guests write every 300s

at 80m: fault site-loss site-a for 20m
at 82m: failover plan p1
run until quiet
expect web run at b; something was lost; lost exactly as reported; report of p1: failover success
