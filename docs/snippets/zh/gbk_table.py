from pathlib import Path
from tempfile import TemporaryDirectory

from gatecast.data.reading import load_panel

lines = ["日期,门店编号,销售额"]
for shop in ("0101", "0102"):
    lines += [f"2024年3月{day}日,{shop},{1 + day * 7 % 5}.5万" for day in range(1, 15)]

with TemporaryDirectory() as folder:
    path = Path(folder) / "销售.csv"
    path.write_text("\n".join(lines), encoding="gbk")  # 中文 Windows 上的 Excel 另存为 CSV，写的就是 GBK
    panel, guesses = load_panel(path)

for guess in guesses:
    print(guess)
print(panel.ids, panel.times[0].astype("datetime64[D]"), panel.targets[:3, 0])
