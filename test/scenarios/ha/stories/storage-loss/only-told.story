A host loses its storage. Its cluster wants to hear of it and no more: its VMs wait for their disks, and go on with them.

cluster c1: 3 hosts of 16 cores and 64 GiB
set c1: storageLoss alarm
vm web x2 on h1

at 10s: fault storage-partition h1 for 5m
at 100s: write web-1 block 1 "into the void"
at 350s: write web-1 block 1 "again"
run until 500s
expect refused "write web-1 block 1 "into the void"" with storage-unreachable
expect web untouched; nothing restarted; once alarm host-storage-lost on h1; no alarm; web-1 block 1 reads "again"
