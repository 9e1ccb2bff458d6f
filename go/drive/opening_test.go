package drive

import (
	"context"
	"testing"

	"github.com/rclone/rclone/fs"
	"github.com/rclone/rclone/fs/cache"
	"github.com/rclone/rclone/fs/config/configmap"
	"github.com/rclone/rclone/fs/config/obscure"

	"bridge/checks"
)

// What crypt wraps is opened as the crypt is.
func TestWhatIsWrappedIsOpenedAsItsWrapper(t *testing.T) {
	var got []Opening
	fs.Register(&fs.RegInfo{Name: "wrapped", NewFs: func(ctx context.Context, _, root string, _ configmap.Mapper) (fs.Fs, error) {
		got = append(got, openingIn(ctx))
		return fs.NewFs(ctx, root)
	}})
	t.Cleanup(cache.Clear)
	ctx, opened := WithOpening(t.Context(), Opening{Downloads: 2, Certain: true})
	open := func() {
		t.Helper()
		_, err := fs.NewFs(ctx, ":crypt,password="+obscure.MustObscure("x")+",remote=':wrapped:"+t.TempDir()+"':")
		checks.OK(t, err)
	}
	open()
	opened()
	open()
	if len(got) != 2 || got[0] != (Opening{2, true}) || got[1] != (Opening{}) {
		t.Error(got)
	}
	if (Opening{}).downloads() != DefaultDownloads || got[0].downloads() != 2 || (Opening{Downloads: 64}).downloads() != maxDownloads {
		t.Error("another number of downloads")
	}
}
