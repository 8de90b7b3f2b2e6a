"""The keys of a cluster whose connections are encrypted."""

import os
import subprocess


class Keys:
    """A pair of keys for each node and for the monitor, made by `rondo keygen`; or none."""

    def __init__(self, rondo, folder, nodes, is_encrypted):
        self.folder, self.is_encrypted = os.path.join(folder, "keys"), is_encrypted
        if not is_encrypted:
            return
        os.makedirs(self.folder)
        allowed = []
        for name in [*nodes, "monitor"]:
            path = os.path.join(self.folder, name)
            subprocess.run([rondo, "keygen", path], check=True, stdout=subprocess.DEVNULL, timeout=60)
            with open(path + ".pub", encoding="ascii") as file:
                allowed.append(file.read())
        with open(os.path.join(self.folder, "allowed"), "w", encoding="ascii") as file:
            file.writelines(allowed)

    def of_servers(self):
        """The options of a server process. All have the same key: whoever comes in knows one of them."""
        if not self.is_encrypted:
            return ["--insecure"]
        return ["--key", f"{self.folder}/server.key", "--allow", f"{self.folder}/allowed"]

    def of_client(self, name):
        """The options of a worker or of the monitor."""
        if not self.is_encrypted:
            return []
        return ["--key", f"{self.folder}/{name}.key", "--server-key", f"{self.folder}/server.pub"]
