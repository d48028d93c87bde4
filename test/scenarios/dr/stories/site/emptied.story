A site is emptied while both sites are up: all of its plans move, and no write is lost.

cluster c1 at site a: 3 hosts of 16 cores and 64 GiB
cluster c2 at site b: 3 hosts of 16 cores and 64 GiB
link a-b: async, 12 ms, 1000 Mbit/s
vm web x2 on h1, h2: 2 vCPU, 4 GiB
vm db on h3: 2 vCPU, 8 GiB
group shop of web: async to b, rpo 5m
group books of db: async to b, rpo 5m
plan p1 of shop: tested
plan p2 of books: tested
guests write every 5s

at 4m: migrate site a
run until quiet
expect web, db run at b; nothing was lost; lost exactly as reported
expect report of site a: migrate success; report of its plans: p1, p2 success
expect phases of p1 without a gap; phases of p2 without a gap
