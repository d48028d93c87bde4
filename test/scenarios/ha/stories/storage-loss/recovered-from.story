A host loses its storage and can be asked: after a minute its agent stops its VMs, and they start where the disks are. It
takes part again when it has its storage back.

cluster c1: 3 hosts of 16 cores and 64 GiB
vm web x2 on h1

at 2s: write web-1 block 1 "before"
at 10s: fault storage-partition h1 for 5m
run until 500s
expect web run elsewhere with a newer epoch; web start elsewhere after 70s; web start elsewhere before 85s
expect web-1 block 1 reads "before"; once alarm host-storage-lost on h1; h1 online; no alarm
