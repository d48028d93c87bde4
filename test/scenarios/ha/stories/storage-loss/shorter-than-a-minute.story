A host loses its storage for fifty seconds: that is waited for, and nothing is restarted.

cluster c1: 3 hosts of 16 cores and 64 GiB
vm web x2 on h1

at 10s: fault storage-partition h1 for 50s
run until 200s
expect web untouched; nothing restarted; once alarm host-storage-lost on h1; h1 online; no alarm
