The program that is called out before the second VM starts never answers, and the plan says to go on: so it does.

cluster c1 at site a: 2 hosts of 16 cores and 64 GiB
cluster c2 at site b: 2 hosts of 16 cores and 64 GiB
link a-b: sync, 2 ms, 1000 Mbit/s
vm web x2 on h1, h2: 2 vCPU, 4 GiB
group shop of web: sync to b
plan p1 of shop: priority 1 web-1, priority 2 web-2, tested, callOut load beforeStart 2 for 10m or go on
guests write every 5s

at 61s: migrate plan p1
run until quiet
expect web run at b; nothing was lost; report of p1: migrate success; phases of p1 without a gap; plan p1 is recovered
