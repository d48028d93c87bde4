A host hangs and is reset by its watchdog while its site cannot be asked. When it can be asked again the host looks well,
but what ran there is gone: that is found out, VMs with HA run again, and the one without rests with the reason.

cluster c1: 2 hosts of 16 cores and 64 GiB
vm web on h1
vm plain on h1: ha off

at 10s: fault call-timeout site-a for 150s; fault host-hang h1 for 70s
run until 400s
expect web runs with a newer epoch; plain stopped because "HA is off"
expect h1 online; no alarm
